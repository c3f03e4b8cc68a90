// Package finder searches a few hundred short texts in memory, in several
// languages: with and without accents, by word stems, by beginnings of words,
// with synonyms, and with typing errors.
//
// Typing errors are measured as PostgreSQL's pg_trgm measures them, so that what
// is found here is what the database would find (Similarity, WordSimilarity). An
// Index never changes once made: whoever holds one may use it at any time. It
// knows nothing of what the texts are about; weights and synonyms are the
// caller's.
package finder
