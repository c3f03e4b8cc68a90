// Package i18n gives pages, mails and documents their words in the visitor's
// language, and writes dates, times and amounts the way Ticino writes them.
//
// Texts are YAML files, one folder per language (texts/it/home.yaml). Nested
// keys are flattened with dots: "home.title". A text may hold placeholders in
// braces, "Buongiorno {name}". Italian is the language of reference: a key that
// another language lacks is answered in Italian, and a key that Italian lacks
// is answered by the key itself, so that a missing text is seen and found.
//
// The package knows nothing of communes: a commune's own words are a second
// bundle laid over the first (Bundle.With).
package i18n
