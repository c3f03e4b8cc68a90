// Package costs shares what the common desk costs among its communes.
//
// It owns the key (how the communes agreed to share), the statement of a month
// and its versions, and the pages, CSV and PDF of them. What a commune used is
// read by app/meters. No money moves here: the entity's accounts send the bill.
//
// Life of a month: running (the figures so far) → ended (to be closed) →
// closed. A closed month keeps the key it was closed with; a correction is a
// new version, and the older one stays readable.
package costs
