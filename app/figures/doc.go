// Package figures says how services really do: how many people asked in the last
// 90 days, and how long it took until they had their answer.
//
// It owns the small table of these figures and the job that reckons it once a
// night. It does not own the cases (it counts what package cases tells it) nor the
// cards that show the figures (catalogue). A figure needs five cases at least:
// with fewer it would say how one person's case went. Medians are of the commune's
// working days and of hours; what the applicant still owed counts as well, for it
// is how long people really waited.
package figures
