// Package readers measures the status page when it is needed: while the cloud
// is dead, and everybody reads.
//
// A cloud and its watchtower run as processes of their own. The cloud is
// killed; once the page says so, this process reads it, over connections that
// stay open, as fast as it can. The page is the watchtower's, so whatever it
// answers it answers without the cloud.
package readers
