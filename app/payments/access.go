package payments

import "github.com/sportello-ticino/sportello/app/access"

// ActionOwn is seeing and finishing one's own payments.
const ActionOwn access.Action = "payments.own"
