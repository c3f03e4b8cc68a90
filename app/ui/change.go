package ui

// ChangeGroup is what changed under one heading.
type ChangeGroup struct {
	Title   string
	Changes []Change
}

// Change is one thing that changed, as people say it.
type Change struct {
	Title string
	Tag   string // "nuovo", "tolto": the whole thing came or went
	Gone  bool
	Old   string
	New   string
	Parts []TextPart // a text with what was taken out and put in; instead of Old and New
}

// TextPart is a piece of a text: kept, put in or taken out.
type TextPart struct {
	Text     string
	Put      bool
	TakenOut bool
}
