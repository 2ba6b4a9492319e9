package app

import "github.com/cyan-cloud/cyan/cloud/gateway/handover"

// Order is what a person says to a running cloud by way of its data folder.
type Order = handover.Order

// Report is what a person hears of an order.
type Report = handover.Report

// What can be ordered.
const (
	DoUpgrade = handover.DoUpgrade
	DoDrain   = handover.DoDrain
	DoAsk     = handover.DoAsk
	DoUndrain = handover.DoUndrain
)
