// The push side of Pyroscope's newest API, strict: what a server would refuse, or would take and
// then show wrongly, is an error here. Built on the official messages and on pprof's own checks.
//
//	POST /push.v1.PusherService/Push     as Pyroscope
//	GET  /api/v1/status/buildinfo        as Pyroscope 2.2
//	GET  /types?service=                 profile types of a service
//	GET  /series?service=                its series, each with its labels
//	GET  /total?service=&type=&label=k:v&span=
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/google/pprof/profile"
	pushv1 "github.com/grafana/pyroscope/api/gen/proto/go/push/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/push/v1/pushv1connect"
)

// Defaults of the server's limits.
const (
	maxSeriesLabels = 30
	serverOwnLabels = 5
	maxNameBytes    = 1024
	maxValueBytes   = 2048
	maxSamples      = 16_000
	maxBytes        = 4 << 20
	maxBurstBytes   = 2 << 20
	maxSampleLabels = 100
	maxFuture       = 10 * time.Minute
	maxAge          = time.Hour
)

var (
	labelName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	uuid       = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	spanID     = regexp.MustCompile(`^[0-9a-f]{16}$`)
	traceID    = regexp.MustCompile(`^[0-9a-f]{32}$`)
	sampleType = regexp.MustCompile(`^[a-z_]+$`)
)

// One value of one sample, as the server files it.
type row struct {
	labels map[string]string // of its series
	typeID string
	span   string
	value  int64
}

type receiver struct {
	mu   sync.Mutex
	rows []row
	ids  map[string]bool
}

func (r *receiver) Push(_ context.Context, req *connect.Request[pushv1.PushRequest]) (*connect.Response[pushv1.PushResponse], error) {
	var rows []row
	size := 0
	if len(req.Msg.Series) == 0 {
		return nil, invalid("no series")
	}
	for _, series := range req.Msg.Series {
		labels := map[string]string{}
		for _, l := range series.Labels {
			if err := checkLabel(l.Name, l.Value); err != nil {
				return nil, err
			}
			if _, ok := labels[l.Name]; ok {
				return nil, invalid("label %s twice", l.Name)
			}
			labels[l.Name] = l.Value
		}
		if labels["__name__"] == "" || labels["service_name"] == "" {
			return nil, invalid("no __name__ or no service_name in %v", labels)
		}
		if len(series.Samples) == 0 {
			return nil, invalid("a series without profiles")
		}
		for _, sample := range series.Samples {
			if !uuid.MatchString(sample.ID) {
				return nil, invalid("id %q is no UUID", sample.ID)
			}
			if bytes.HasPrefix(sample.RawProfile, []byte{0x1f, 0x8b}) == false {
				return nil, invalid("the profile is not compressed")
			}
			p, err := profile.ParseData(sample.RawProfile) // which calls CheckValid
			if err != nil {
				return nil, invalid("not a profile: %v", err)
			}
			var raw bytes.Buffer
			if err := p.WriteUncompressed(&raw); err != nil {
				return nil, invalid("cannot be written: %v", err)
			}
			size += raw.Len()
			found, err := split(p, raw.Len(), labels)
			if err != nil {
				return nil, err
			}
			rows = append(rows, found...)
		}
	}
	if size > maxBurstBytes {
		return nil, connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("%d bytes in one request", size))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, series := range req.Msg.Series {
		for _, sample := range series.Samples {
			if r.ids[sample.ID] {
				return nil, invalid("profile %s came twice", sample.ID)
			}
			r.ids[sample.ID] = true
		}
	}
	r.rows = append(r.rows, rows...)
	return connect.NewResponse(&pushv1.PushResponse{}), nil
}

// What the server does with a profile: every text label of a sample, but for identifiers, is one of
// the series.
func split(p *profile.Profile, size int, series map[string]string) ([]row, error) {
	switch {
	case len(p.Sample) == 0:
		return nil, invalid("no samples")
	case len(p.Sample) > maxSamples:
		return nil, invalid("%d samples", len(p.Sample))
	case size > maxBytes:
		return nil, invalid("%d bytes", size)
	case p.PeriodType == nil:
		return nil, invalid("no period type")
	case p.DurationNanos <= 0:
		return nil, invalid("no duration")
	}
	at := time.Unix(0, p.TimeNanos)
	if at.After(time.Now().Add(maxFuture)) || at.Before(time.Now().Add(-maxAge)) {
		return nil, invalid("the profile is of %s", at)
	}
	var rows []row
	for _, sample := range p.Sample {
		labels := map[string]string{}
		span := ""
		if len(sample.Label)+len(sample.NumLabel) > maxSampleLabels {
			return nil, invalid("a sample with %d labels", len(sample.Label))
		}
		for name, values := range sample.Label {
			switch {
			case len(values) != 1:
				return nil, invalid("%d values of label %s", len(values), name)
			case name == "span_id" && !spanID.MatchString(values[0]):
				return nil, invalid("span_id %q", values[0])
			case name == "trace_id" && !traceID.MatchString(values[0]):
				return nil, invalid("trace_id %q", values[0])
			case name == "span_id":
				span = values[0]
			case name == "trace_id":
			default:
				if err := checkLabel(name, values[0]); err != nil {
					return nil, err
				}
				labels[name] = values[0]
			}
		}
		for name, value := range series { // they win
			labels[name] = value
		}
		if len(labels)+serverOwnLabels > maxSeriesLabels {
			return nil, invalid("%d labels", len(labels))
		}
		for i, st := range p.SampleType {
			if !sampleType.MatchString(st.Type) || sample.Value[i] < 0 {
				return nil, invalid("value %d of type %q", sample.Value[i], st.Type)
			}
			typeID := strings.Join([]string{labels["__name__"], st.Type, st.Unit, p.PeriodType.Type, p.PeriodType.Unit}, ":")
			rows = append(rows, row{labels, typeID, span, sample.Value[i]})
		}
	}
	return rows, nil
}

func checkLabel(name, value string) error {
	if !labelName.MatchString(name) || len(name) > maxNameBytes || value == "" || len(value) > maxValueBytes {
		return invalid("label %q=%q", name, value)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, args...))
}

func (r *receiver) of(query url.Values) []row {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []row
	key, value, _ := strings.Cut(query.Get("label"), ":")
	for _, one := range r.rows {
		if one.labels["service_name"] == query.Get("service") &&
			(!query.Has("type") || one.typeID == query.Get("type")) &&
			(!query.Has("label") || one.labels[key] == value) &&
			(!query.Has("span") || one.span == query.Get("span")) {
			found = append(found, one)
		}
	}
	return found
}

func main() {
	r := &receiver{ids: map[string]bool{}}
	mux := http.NewServeMux()
	mux.Handle(pushv1connect.NewPusherServiceHandler(r))
	answer := func(path string, what func(url.Values) any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, req *http.Request) {
			_ = json.NewEncoder(w).Encode(what(req.URL.Query()))
		})
	}
	answer("/api/v1/status/buildinfo", func(url.Values) any {
		return map[string]any{"status": "success", "data": map[string]string{"version": "2.2.1"}}
	})
	answer("/types", func(query url.Values) any {
		types := []string{}
		for _, one := range r.of(query) {
			types = append(types, one.typeID)
		}
		slices.Sort(types)
		return slices.Compact(types)
	})
	answer("/series", func(query url.Values) any {
		series := map[string]map[string]string{}
		for _, one := range r.of(query) {
			series[one.typeID+fmt.Sprint(one.labels)] = one.labels
		}
		return series
	})
	answer("/total", func(query url.Values) any {
		total := int64(0)
		for _, one := range r.of(query) {
			total += one.value
		}
		return fmt.Sprint(total)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	if err := http.Serve(listener, mux); !errors.Is(err, http.ErrServerClosed) {
		panic(err)
	}
}
