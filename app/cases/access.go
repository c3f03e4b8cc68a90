package cases

import "github.com/sportello-ticino/sportello/app/access"

// The actions of this module.
const (
	ActionOwn    access.Action = "cases.own"
	ActionDesk   access.Action = "cases.desk"
	ActionWork   access.Action = "cases.work"
	ActionDecide access.Action = "cases.decide"
)
