package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// asBob sends a request as bob, whose the lamp is.
func (w *world) asBob(method, path, body string) reply {
	w.t.Helper()
	return w.do(method, path, body, "Authorization: Bearer "+bobToken)
}

// ask has alice ask for bob's lamp, and gives the transfer.
func (w *world) ask(t *testing.T) string {
	t.Helper()
	got := w.do("POST", "/v1/devices", `{"id":"`+lamp.String()+`","request_transfer":true}`)
	var asked rest.Claimed
	got.into(t, &asked)
	if got.status != http.StatusOK || asked.TransferID == "" {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	if strings.Contains(got.body, "bob") || strings.Contains(got.body, "lamp") {
		t.Errorf("it tells too much: %s", got.body)
	}
	w.wantOwner(t, lamp, bob)
	return asked.TransferID
}

// transfers lists those of somebody.
func transfers(t *testing.T, got reply) []rest.Transfer {
	t.Helper()
	var list rest.Transfers
	got.into(t, &list)
	return list.Transfers
}

// A device that is somebody else's changes hands when its owner says so, and
// who asks hears nothing of him.
func TestTransfer(t *testing.T) {
	w := newWorld(t, nil)
	id := w.ask(t)
	if again := w.ask(t); again != id {
		t.Errorf("the same wish is another transfer: %s and %s", id, again)
	}
	mine := transfers(t, w.do("GET", rest.PathTransfers, ""))
	if len(mine) != 1 || mine[0].Direction != rest.TransferOutgoing || mine[0].Name != "" || mine[0].Username != "" {
		t.Errorf("who asks sees %+v", mine)
	}
	his := transfers(t, w.asBob("GET", rest.PathTransfers, ""))
	if len(his) != 1 || his[0].Direction != rest.TransferIncoming || his[0].Name != "lamp" || his[0].Username != "alice@example.com" {
		t.Errorf("the owner sees %+v", his)
	}
	if got := w.do("PUT", rest.PathTransfers+"/"+id, `{"accept":true}`); got.status != http.StatusNotFound {
		t.Errorf("who asks answers himself: %s", got.body)
	}
	if got := w.asBob("PUT", rest.PathTransfers+"/"+id, `{}`); got.status != http.StatusBadRequest {
		t.Errorf("an answer that says nothing: %s", got.body)
	}
	if got := w.asBob("PUT", rest.PathTransfers+"/"+id, `{"accept":true}`); got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	w.wantOwner(t, lamp, alice)
	if got := w.asBob("PUT", rest.PathTransfers+"/"+id, `{"accept":true}`); got.status != http.StatusNotFound {
		t.Errorf("the answer again: %s", got.body)
	}
}

// The owner may refuse, and who asks may think better of it.
func TestTransferEnds(t *testing.T) {
	for name, end := range map[string]func(w *world, id string) reply{
		"refused":   func(w *world, id string) reply { return w.asBob("PUT", rest.PathTransfers+"/"+id, "accept=false") },
		"withdrawn": func(w *world, id string) reply { return w.do("DELETE", rest.PathTransfers+"/"+id, "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			id := w.ask(t)
			if got := end(w, id); got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			if list := transfers(t, w.asBob("GET", rest.PathTransfers, "")); len(list) != 0 {
				t.Errorf("it goes on: %+v", list)
			}
			if got := w.asBob("PUT", rest.PathTransfers+"/"+id, "accept=true"); got.status != http.StatusNotFound {
				t.Errorf("it is accepted: %s", got.body)
			}
			w.wantOwner(t, lamp, bob)
		})
	}
}
