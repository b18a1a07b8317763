// Command pprof-check parses pprof files with Go's own profile package, runs its validity check and
// prints what it read as one JSON array on standard output, one entry per file, in the order given.
// It exits with 1 when a file is not a valid profile; the entry then carries the error.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"github.com/google/pprof/profile"
)

type valueType struct {
	Type string `json:"type"`
	Unit string `json:"unit"`
}

// function is one line of code that some sample stands on or passes through.
type function struct {
	Name      string `json:"name"`
	File      string `json:"file"`
	StartLine int64  `json:"startLine"`
	// Line is the line of the location; 0 if unknown.
	Line int64 `json:"line"`
}

type summary struct {
	File          string      `json:"file"`
	Error         string      `json:"error,omitempty"`
	SampleTypes   []valueType `json:"sampleTypes"`
	PeriodType    *valueType  `json:"periodType"`
	Period        int64       `json:"period"`
	TimeNanos     int64       `json:"timeNanos"`
	DurationNanos int64       `json:"durationNanos"`
	Comments      []string    `json:"comments"`
	Samples       int         `json:"samples"`
	// Totals holds one sum per sample type.
	Totals []int64 `json:"totals"`
	// Labels maps key to value to one sum per sample type. Numbers are written in decimal.
	Labels    map[string]map[string][]int64 `json:"labels"`
	Functions []function                    `json:"functions"`
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: pprof-check file...")
		os.Exit(2)
	}
	valid := true
	summaries := make([]summary, 0, len(os.Args)-1)
	for _, file := range os.Args[1:] {
		s := summarize(file)
		valid = valid && s.Error == ""
		summaries = append(summaries, s)
	}
	if err := json.NewEncoder(os.Stdout).Encode(summaries); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !valid {
		os.Exit(1)
	}
}

func summarize(file string) summary {
	s := summary{
		File:        file,
		SampleTypes: []valueType{},
		Comments:    []string{},
		Totals:      []int64{},
		Labels:      map[string]map[string][]int64{},
		Functions:   []function{},
	}
	p, err := read(file)
	if err != nil {
		s.Error = err.Error()
		return s
	}
	for _, t := range p.SampleType {
		s.SampleTypes = append(s.SampleTypes, valueType{t.Type, t.Unit})
	}
	if p.PeriodType != nil {
		s.PeriodType = &valueType{p.PeriodType.Type, p.PeriodType.Unit}
	}
	s.Period, s.TimeNanos, s.DurationNanos = p.Period, p.TimeNanos, p.DurationNanos
	s.Comments = append(s.Comments, p.Comments...)
	s.Samples = len(p.Sample)
	s.Totals = make([]int64, len(p.SampleType))
	for _, sample := range p.Sample {
		add(s.Totals, sample.Value)
		for key, values := range sample.Label {
			for _, value := range values {
				s.addLabel(key, value, sample.Value)
			}
		}
		for key, values := range sample.NumLabel {
			for _, value := range values {
				s.addLabel(key, fmt.Sprint(value), sample.Value)
			}
		}
	}
	s.Functions = append(s.Functions, functions(p)...)
	return s
}

// read parses one file; profile.Parse already runs CheckValid, but only after its own repairs are
// done, so it is asked once more here.
func read(file string) (*profile.Profile, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		return nil, err
	}
	return p, p.CheckValid()
}

func (s *summary) addLabel(key, value string, values []int64) {
	byValue := s.Labels[key]
	if byValue == nil {
		byValue = map[string][]int64{}
		s.Labels[key] = byValue
	}
	if byValue[value] == nil {
		byValue[value] = make([]int64, len(values))
	}
	add(byValue[value], values)
}

func add(sums, values []int64) {
	for i, value := range values {
		sums[i] += value
	}
}

// functions lists every distinct (function, line) of the profile, sorted.
func functions(p *profile.Profile) []function {
	seen := map[function]bool{}
	for _, location := range p.Location {
		for _, line := range location.Line {
			if f := line.Function; f != nil {
				seen[function{f.Name, f.Filename, f.StartLine, line.Line}] = true
			}
		}
	}
	all := make([]function, 0, len(seen))
	for f := range seen {
		all = append(all, f)
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if a.Name != b.Name {
			return a.Name < b.Name
		}
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Line < b.Line
	})
	return all
}
