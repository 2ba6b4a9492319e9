// Package archtest holds the rules of the house, by reading the source.
//
// ARCHITECTURE.md draws the rooms and says who may import whom; CONTRIBUTING.md
// says how large things may grow and what must be written down. A rule that
// nobody checks is a wish, so each of them is a function here, from a parsed
// Tree to its Findings, and the package's test runs them all over the
// repository. A finding says where, what and what to do about it.
//
// Each rule has an archive in testdata, a small house that breaks it, so that
// it is known to be able to fail. What is excused from a rule is excused by
// name, with the reason, in exempt.go and nowhere else.
package archtest
