// Package local is the population register for communes that have none to
// connect: a table of the commune itself, filled by importing a CSV. In the demo
// and in tests it holds invented residents.
//
// Columns of the CSV (UTF-8, comma or semicolon, first line the names): avs,
// first_name, last_name, sex, born, civil_status, nationality, origin, permit,
// status, street, postcode, town, quarter, egid, ewid, arrived, moved_in,
// departed, came_from, protected, blocked, household, relation. Days are
// 2026-03-14 or 14.03.2026.
package local
