package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Chronicle is what was done to the cloud itself.
type Chronicle interface {
	// Annotations gives those since the time, newest first, at most limit.
	Annotations(ctx context.Context, since time.Time, limit int) ([]store.Annotation, error)
}

// standardAnnotations is how many are given to who does not say.
const standardAnnotations = 100

// annotations answers GET /v1/annotations?since=…&limit=…: whoever is logged in
// may know when, and by whom, his devices were disturbed.
func (a *API) annotations(w http.ResponseWriter, r *web.Request) error {
	query := r.URL.Query()
	var since time.Time
	var err error
	if v := query.Get("since"); v != "" {
		if since, err = time.Parse(time.RFC3339, v); err != nil {
			return web.Malformed("the parameter since is not a date of the form 2026-01-31T12:00:00Z")
		}
	}
	limit := standardAnnotations
	if v := query.Get("limit"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > maxAttempts {
			return web.Malformed("the parameter limit is not a number from 1 to " + strconv.Itoa(maxAttempts))
		}
	}
	answer := rest.Annotations{Annotations: []rest.Annotation{}}
	if a.cfg.Chronicle == nil {
		return web.Answer(w, http.StatusOK, answer)
	}
	list, err := a.cfg.Chronicle.Annotations(r.Context(), since, limit)
	if err != nil {
		return web.StoreError(err)
	}
	count := func(n int) *int {
		if n == store.UnknownCount {
			return nil
		}
		return &n
	}
	for i := range list {
		n := &list[i]
		answer.Annotations = append(answer.Annotations, rest.Annotation{
			ID: n.ID, At: rest.At(n.At), Kind: n.Kind, Node: n.Node, Author: rest.Text(n.Author), From: rest.Text(n.From), To: rest.Text(n.To),
			Sessions: count(n.Sessions), Ended: count(n.Ended), FreezeMS: float64(n.Freeze.Microseconds()) / 1000, Detail: rest.Text(n.Detail),
		})
	}
	return web.Answer(w, http.StatusOK, answer)
}
