// Package sandbox is a server that speaks the web service API v2.0 of
// PostFinance Checkout as far as Sportello uses it, with a payment page of its
// own, for demonstration and tests.
//
// It is a stranger to the client: it shares no code with it, verifies each
// request's token (user, method, path, age), keeps many spaces apart, walks
// transactions through the service's states, signs its webhooks and repeats
// them until they are taken. Webhooks go to loopback addresses alone. Nothing
// here moves money. Under /sandbox/ there are controls for tests: hold webhooks,
// release them in another order or twice, act as the payer.
//
// Its state can live in a JSON file, so that a demonstration that is started
// again still knows its transactions and its signing key.
package sandbox
