package owners

import (
	"cmp"
	"slices"
)

// Stake is what the worst incident that is open costs an owner, for whoever has
// to decide whom to help first.
type Stake struct {
	Name     string  `json:"name"`
	Devices  int     `json:"devices"`
	Hit      *int    `json:"hit"`                // and not back; null: nobody can count
	Cost     float64 `json:"cost_per_min"`       // when all are out
	Now      float64 `json:"costs_per_min"`      // as it is: by the share that is hit; all where that is not known
	Incident int     `json:"incident,omitempty"` // 0: none is open
}

// Stakes lists all owners, those first whom it costs most now, and then those
// who have most to lose.
func (o *Owners) Stakes() []Stake {
	seen := o.cfg.Seen()
	i := seen.open()
	list := []Stake{}
	for at := range o.cfg.Pages {
		p := &o.cfg.Pages[at]
		k := o.Known(p.Path)
		s := Stake{Name: p.Name, Devices: k.Devices, Cost: p.Cost}
		if i != nil {
			s.Incident, s.Now = i.Number, p.Cost
			if k.Asked == i.ID {
				out := max(k.Hit-k.Back, 0)
				s.Hit = &out
				s.Now = p.Cost * float64(out) / float64(max(k.Devices, out, 1))
			}
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b Stake) int {
		return cmp.Or(cmp.Compare(b.Now, a.Now), cmp.Compare(b.Cost, a.Cost), cmp.Compare(b.out(), a.out()))
	})
	return list
}

func (s *Stake) out() int {
	if s.Hit == nil {
		return 0
	}
	return *s.Hit
}
