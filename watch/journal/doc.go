// Package journal keeps what the watchtower must not lose: values written one
// after the other, a line of JSON each, in files of bounded size under one
// folder. What is older than the bound on age, or does not fit into the bound
// on bytes, goes a file at a time, the oldest first.
//
//	results/0000000000000001.jsonl
//	        0000000000000002.jsonl   {"at":"2026-05-31T05:00:12.5Z","is":{…}}
//
// A line is written whole or, if the machine stops in the middle of it, not at
// all: a torn last line is cut off at the next start, and counted. Append does
// not wait for the disk; Sync does.
package journal
