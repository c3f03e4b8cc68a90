// Package postfinance is the client of PostFinance Checkout, web service API
// v2.0 (the wallee platform): cards, PostFinance Pay and TWINT.
//
// Source: the official Java SDK 9.4.0 (github.com/pfpayments/java-sdk,
// Apache-2.0). Every request carries a JSON Web Token of its own, signed with
// the application user's key, and the header Space. Amounts travel as decimal
// francs. A webhook is only a reason to read the transaction again.
//
// Not verified against the real service, to be checked with the first contract:
//   - how long a payment page stays valid and when an abandoned transaction fails;
//   - the provider's schedule of webhook retries;
//   - the grammar of the search (here query=merchantReference:<reference>);
//   - the identifiers of payment method brands: none are sent, so that the page
//     offers what the space has configured;
//   - limits of the acquirers on TWINT refunds;
//   - where a transaction names the method used (here
//     paymentConnectorConfiguration.name; only shown, never relied on).
//
// Package sandbox, beside it, is a server that speaks the same API.
package postfinance
