// Package signal is the vocabulary of the watchtower: what is measured, of
// what, and what came of it. It holds types and rules and does no I/O.
//
//	canary ─▶ Result ─┐
//	                  ├─▶ alert (judges) ─▶ incident ─▶ notify, status
//	cloud ─▶ Traffic ─┘
//
// A Result is one try of a canary to do what a customer does, step by step. A
// Traffic is what the cloud counted of everybody else. Both say something of
// capabilities: the words in which customers are told what works.
package signal
