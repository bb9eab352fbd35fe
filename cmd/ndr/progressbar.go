package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progressBar shows how far the steps of a job are: a bar on a terminal, a line every 30 s elsewhere. It belongs to
// one goroutine at a time.
type progressBar struct {
	out   io.Writer
	moves bool
	next  time.Time // when to print again
	step  string
	began time.Time // of the step
}

func newProgressBar(out io.Writer) *progressBar {
	return &progressBar{out: out, moves: terminal(out), next: now().Add(progressElsewhere)}
}

const barWidth = 30

// show notes a state of the step.
func (b *progressBar) show(step string, done, total int64) {
	at := now()
	if step != b.step {
		b.step, b.began = step, at
	} else if at.Before(b.next) {
		return
	}
	share := 1.0
	if total > 0 {
		share = float64(done) / float64(total)
	}
	if !b.moves {
		if at.Before(b.next) {
			return
		}
		b.next = at.Add(progressElsewhere)
		fmt.Fprintf(b.out, "%s: %d of %d (%.0f%%)\n", step, done, total, 100*share)
		return
	}
	b.next = at.Add(progressOnTerminal)
	full := int(share * barWidth)
	left := ""
	if spent := at.Sub(b.began); share > 0.02 && share < 1 && spent > time.Second {
		left = ", " + time.Duration(float64(spent)*(1-share)/share).Round(time.Second).String() + " left"
	}
	fmt.Fprintf(b.out, "\r\x1b[K%-16s [%s%s] %3.0f%%%s", step, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*share, left)
}

// clear removes the bar.
func (b *progressBar) clear() {
	if b.moves {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
