package app

import "github.com/cyan-cloud/cyan/cloud/gateway/handover"

// Order and Report are what a person says to a running cloud by way of its data
// folder, and hears.
type (
	Order  = handover.Order
	Report = handover.Report
)

// What can be ordered.
const (
	DoUpgrade = handover.DoUpgrade
	DoDrain   = handover.DoDrain
	DoAsk     = handover.DoAsk
	DoUndrain = handover.DoUndrain
)
