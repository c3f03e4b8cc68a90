package forms

import "github.com/sportello-ticino/sportello/app/access"

// ActionFill is filling in a form: everybody who has signed in may. Which trust
// level a service asks for is the service's own setting.
const ActionFill access.Action = "forms.fill"
