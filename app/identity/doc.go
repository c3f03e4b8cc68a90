// Package identity answers "who": accounts inside a commune, their trust
// level, sessions, and the entity's own staff.
//
// An account lives in one commune's schema; nothing about a person is global.
// The entity's staff live in the platform schema, sign in with a second factor
// and hold no role in any commune. What a role may do is app/access's concern.
// The pages stand in identity/pages: they use app/web, which needs Actor.
//
// Life of an account: registered → e-mail confirmed (level 1) → address or
// person checked (levels 2 and 3, by the commune) → disabled.
package identity
