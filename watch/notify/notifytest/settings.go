package notifytest

import "strings"

// Settings is the settings file of a watchtower that pages the Pager at a URL,
// and nobody else.
func Settings(url string) string {
	return "notify:\n  stages: [[phone]]\n  outlets:\n    phone: {type: pagerduty, routing_key: " +
		strings.Repeat("k", 32) + ", url: \"" + url + "\"}\n"
}
