package main

import (
	"fmt"
	"io"
	"time"

	"ndr/batch/fgb"
	"ndr/sinks"
)

// fgbDocument is what batch fgb prints when it is done.
type fgbDocument struct {
	Schema        int              `json:"schema"`
	Month         string           `json:"baseline_month"`
	Revision      int              `json:"revision"`
	Part          int              `json:"part"`
	Parts         int              `json:"parts"`
	Published     bool             `json:"published"`
	Key           string           `json:"key,omitempty"`
	EffectiveFrom string           `json:"effective_from,omitempty"`
	Seconds       float64          `json:"seconds"`
	Horizons      []fgbHorizon     `json:"horizons"`
	Guard         []fgbGuardResult `json:"guard"`
	Warnings      []string         `json:"warnings"`
}

type fgbHorizon struct {
	Name         string  `json:"baseline_horizon"`
	Hosts        int64   `json:"hosts"`
	Keys         int64   `json:"keys"`
	ColdShare    float64 `json:"cold_start_share"`
	MovedHosts   int64   `json:"hosts_in_several_segments"`
	Observations int64   `json:"observations"`
	LightShare   float64 `json:"down_weighted_share"`
	Slices       int     `json:"slices"`
	Missing      int     `json:"missing_slices"`
	Rows         int64   `json:"rows"`
	Bytes        int64   `json:"bytes"`
}

type fgbGuardResult struct {
	Horizon  string   `json:"baseline_horizon"`
	Compared int64    `json:"hosts_compared"`
	Moved    int64    `json:"hosts_moved"`
	Hosts    []string `json:"hosts"`
}

// fgbReport is the report of a job in the forms in which it can be printed.
func fgbReport(r *fgb.Report, took time.Duration) report {
	d := &fgbDocument{Schema: outputSchema, Month: r.Month, Revision: r.Revision, Part: r.Part, Parts: r.Parts, Published: r.Published, Key: r.Key,
		Seconds: took.Seconds(), Horizons: []fgbHorizon{}, Guard: []fgbGuardResult{}, Warnings: append([]string{}, r.Warnings...)}
	if r.Published {
		d.EffectiveFrom = r.EffectiveFrom.Format(time.RFC3339)
	}
	for i := range r.Horizons {
		d.Horizons = append(d.Horizons, fgbHorizonOf(&r.Horizons[i]))
	}
	for _, g := range r.Guard {
		d.Guard = append(d.Guard, fgbGuardResult{g.Horizon, g.Compared, g.Moved, append([]string{}, g.Hosts...)})
	}
	return report{document: d, table: func(w io.Writer) { d.table(w, took) }}
}

func fgbHorizonOf(h *sinks.BaselineHorizon) fgbHorizon {
	o := fgbHorizon{Name: h.Name, Hosts: h.Hosts, Keys: h.Keys, MovedHosts: h.MovedHosts, Observations: h.Observations, LightShare: h.Share,
		Slices: len(h.Inputs), Missing: len(h.Missing)}
	if h.Keys > 0 {
		o.ColdShare = float64(h.ColdKeys) / float64(h.Keys)
	}
	for _, t := range h.Tables {
		o.Rows += t.Rows
		o.Bytes += t.Bytes
	}
	return o
}

func (d *fgbDocument) table(w io.Writer, took time.Duration) {
	if !d.Published {
		fmt.Fprintf(w, "part %d of %d of %s, revision %d, is computed in %s; publish with --publish when all are\n", d.Part, d.Parts, d.Month,
			d.Revision, took.Round(100*time.Millisecond))
		return
	}
	fmt.Fprintf(w, "published\t%s, revision %d, in %s\nin force from\t%s\nkey\t%s\n\n", d.Month, d.Revision, took.Round(100*time.Millisecond),
		d.EffectiveFrom, d.Key)
	fmt.Fprintf(w, "horizon\thosts\tcold start\tmoved segment\tobservations\tdown-weighted\tslices\tmissing\trows\tMiB\n")
	for _, h := range d.Horizons {
		fmt.Fprintf(w, "%s\t%d\t%.1f%%\t%d\t%d\t%.2f%%\t%d\t%d\t%d\t%.1f\n", h.Name, h.Hosts, 100*h.ColdShare, h.MovedHosts, h.Observations,
			100*h.LightShare, h.Slices, h.Missing, h.Rows, float64(h.Bytes)/(1<<20))
	}
	for _, g := range d.Guard {
		fmt.Fprintf(w, "guard of %s\t%d of %d hosts moved since the last publication\n", g.Horizon, g.Moved, g.Compared)
	}
}
