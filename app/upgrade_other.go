//go:build !linux

package app

import (
	"context"
	"errors"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
)

// successionPlan is nothing where there are no hand-overs.
type successionPlan struct{}

var errLinux = errors.New("one process takes another's place on Linux only: stop the cloud and start it anew")

func monotonic() int64 { return 0 }

func clockAhead(handover.Offer) (time.Duration, error) { return 0, errLinux }

func takeOver(context.Context, *App) error { return errLinux }

func (a *App) watch() error { return nil }

// Upgrade fails.
func (a *App) Upgrade(context.Context, Order) (Report, error) { return Report{}, errLinux }

// Ask fails.
func Ask(context.Context, string, Order, func(Report)) (Report, error) { return Report{}, errLinux }

// Passed is false.
func (a *App) Passed() bool { return false }

// Done is never closed.
func (a *App) Done() <-chan struct{} { return nil }
