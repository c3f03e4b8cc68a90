package documents

import "github.com/sportello-ticino/sportello/app/access"

// The actions of this module.
const (
	ActionOwn  access.Action = "documents.own"
	ActionDesk access.Action = "documents.desk"
)
