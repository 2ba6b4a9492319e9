package storetest

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/store"
)

func annotations(t *testing.T, s *store.Store) {
	first := store.Annotation{ID: "1", At: noon(), Kind: store.KindStart, Node: "n", Author: "me", To: "1.0", Sessions: store.UnknownCount}
	second := store.Annotation{
		ID: "2", At: noon().Add(time.Hour), Kind: store.KindUpgrade, Author: "you", From: "1.0", To: "1.1", Sessions: 7, Ended: 1,
		Freeze: 3 * time.Millisecond, Detail: "why",
	}
	must(t, s.AddAnnotation(ctx(t), first))
	must(t, s.AddAnnotation(ctx(t), second))
	list, err := s.Annotations(ctx(t), time.Time{}, 10)
	must(t, err)
	same(t, "all, newest first", list, []store.Annotation{second, first})
	list, err = s.Annotations(ctx(t), noon().Add(time.Minute), 10)
	must(t, err)
	same(t, "the later one", list, []store.Annotation{second})

	for _, step := range []struct{ note, before string }{{"a", ""}, {"b", "a"}, {"", "b"}, {"c", ""}} {
		before, err := s.Runs(ctx(t), step.note)
		must(t, err)
		same(t, "who ran before "+step.note, before, step.before)
	}
}
