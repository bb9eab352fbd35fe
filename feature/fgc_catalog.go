package feature

import "slices"

// transformText is what the catalog says of a transform; x is the metric, median and scale are of its baseline.
type transformText struct{ formula, description string }

const scaleText = "scale = mad if > eps_c, else iqr if > eps_c, else scale_floor"

var transformTexts = [NumTransforms]transformText{
	TransformZMad:           {"(x - median) / (scale + eps_c), " + scaleText, "how far from the median of its baseline, in its usual spread"},
	TransformRatio:          {"x / (median + eps_c)", "as a multiple of the median of its baseline"},
	TransformLogRatio:       {"ln(x / (median + eps_c) + eps_c)", "logarithm of the multiple of the median of its baseline"},
	TransformDiff:           {"x - median", "difference to the median of its baseline"},
	TransformAbsDevOverMad:  {"abs(x - median) / (scale + eps_c), " + scaleText, "distance from the median of its baseline, in its usual spread"},
	TransformZMadClipped:    {"max(-z_max, min(z_max, z_mad))", "how far from the median of its baseline, limited"},
	TransformZMadSignedPow3: {"sign(c) * abs(c)^3, c = z_mad_clipped", "the same, large ones stressed"},
}

// NumFGCFeatures is how many features of FG-C have a number of the contract.
const NumFGCFeatures = FirstFreeNumber - FirstFGCNumber

// fgc lists the features of FG-C that have a number of the contract, those of the shape only.
func (c catalogMaker) fgc(p *fgcPlan) (entries []Entry) {
	contract := defaultPlan()
	number := FirstFGCNumber
	contract.each(func(r Role, m MetricID, w int, t Transform) {
		if p.has(m, w, t) {
			entries = append(entries, c.fgcEntry(number, OriginContract, r, m, w, t))
		}
		number++
	})
	return entries
}

// fgcSingles lists the single features; their names are those of the long layout.
func (c catalogMaker) fgcSingles(p *fgcPlan, number int) (entries []Entry) {
	for _, s := range p.singles().list {
		e := c.entry(DatasetFGC, number+len(entries), Column{Name: s.name, Type: s.typ, Nullable: s.nullable || s.shortest})
		e.Formula, e.Upstream = s.formula, s.upstream
		e.Description = "of the row's window: " + s.description
		if s.shortest {
			e.Description = "of the w_15m row: " + s.description
		}
		e.Creator, e.Consumers = "feature/fgc_scores.go", []string{"analysts"}
		if e.Nullable {
			e.Default = "null"
		}
		entries = append(entries, e)
	}
	return entries
}

// fgcFurther lists the features of configured transforms and metrics that the contract does not know.
func (c catalogMaker) fgcFurther(p *fgcPlan, number int) (entries []Entry) {
	contract := defaultPlan()
	p.each(func(r Role, m MetricID, w int, t Transform) {
		if !contract.has(m, w, t) {
			entries = append(entries, c.fgcEntry(number+len(entries), OriginExtension, r, m, w, t))
		}
	})
	return entries
}

func (c catalogMaker) fgcEntry(number int, origin string, r Role, m MetricID, w int, t Transform) Entry {
	name, window := Metrics[m].Name, Windows[w].Label
	x := FGAFeatureName(r, name, window)
	e := c.entry(DatasetFGC, number, Column{Name: FGCFeatureName(r, name, window, t), Type: Float32, Nullable: true})
	e.Formula = transformTexts[t].formula + "; x = " + x
	e.Description = r.String() + ", " + window + ": " + metricTexts[m].description + ", " + transformTexts[t].description
	e.Creator, e.Default = "feature/deviation.go", "null"
	e.Upstream = []string{x, "fg_b/host." + name, "fg_b/segment." + name}
	e.Catalog, e.Origin, e.Consumers = ModelInput, origin, []string{"NDR system"}
	e.Offline, e.Online = "fg-c-offline", "fg-c-online"
	return e
}

// each calls f for the features of the plan in catalog order: by role, metric, window and transform.
func (p *fgcPlan) each(f func(r Role, m MetricID, w int, t Transform)) {
	for _, r := range catalogRoles {
		for _, m := range p.metrics {
			for _, w := range p.windows {
				for _, t := range p.transforms {
					f(r, m, w, t)
				}
			}
		}
	}
}

// has reports whether the plan makes a feature.
func (p *fgcPlan) has(m MetricID, w int, t Transform) bool {
	return slices.Contains(p.metrics, m) && slices.Contains(p.windows, w) && slices.Contains(p.transforms, t)
}
