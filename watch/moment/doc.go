// Package moment reads times as people type them, and asks back where one can
// mean several.
//
// A time is a date, a clock and a zone. Each part of a text can mean one thing
// or more: "CST" is a zone of three countries, 02:30 comes twice when clocks go
// back, 5:15 is in the morning or in the afternoon, and what has no zone means
// another instant to each reader. All meanings are put together; only where
// there is a single one, and nothing had to be guessed, it is taken. Otherwise
// the answer is an [AskError] with a spelling for each.
package moment
