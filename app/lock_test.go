package app_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/app"
)

// TestOneCloudAFolder starts a second cloud on the data folder of one that
// runs: it is refused, and the folder is free when the first has stopped.
func TestOneCloudAFolder(t *testing.T) {
	o := app.Options{Data: t.TempDir(), ListenTCP: "127.0.0.1:0", ListenUDP: "127.0.0.1:0", ListenAPI: "127.0.0.1:0"}
	first, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another cloud is running on the data folder") {
		t.Errorf("a second cloud on the folder: %v", err)
	}
	if err := first.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	again, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal("after the first has stopped:", err)
	}
	if err := again.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
