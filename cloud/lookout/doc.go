// Package lookout has the cloud watch its watchtower, as the watchtower watches
// the cloud: a smoke detector whose battery is flat is worse than none.
//
// It asks the watchtower's /healthz every 15 s. After three misses in a row,
// within a minute, the watchtower counts as dead, which is logged, counted and
// told until somebody has taken it. A miss is also an answer that is not well,
// one that is no watchtower's, and one that is not newer than the one before.
package lookout
