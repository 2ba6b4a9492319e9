package api

import "github.com/prometheus/client_golang/prometheus"

// newCodes counts the claim codes that devices sent, by outcome: ok, unknown,
// not_yours, failed, dropped.
func newCodes(reg prometheus.Registerer) *prometheus.CounterVec {
	codes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "cyan", Subsystem: "api", Name: "claim_codes_total", Help: "Claim codes that devices sent, by outcome.",
	}, []string{"outcome"})
	if reg != nil {
		reg.MustRegister(codes)
	}
	return codes
}
