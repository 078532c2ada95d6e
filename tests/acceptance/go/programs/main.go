// What a function in Go may do, one handler each; the function's Handler says which. Built on aws-lambda-go alone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type wish struct {
	Do   string `json:"do"`
	Path string `json:"path"`
}

// A refusal is an error with a type of its own.
type refusal struct{ reason string }

func (r *refusal) Error() string { return "refused: " + r.reason }

func echo(event json.RawMessage) (json.RawMessage, error) { return event, nil }

func about(ctx context.Context, event json.RawMessage) (map[string]any, error) {
	called, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"event":     event,
		"requestId": called.AwsRequestID,
		"arn":       called.InvokedFunctionArn,
		"app":       called.ClientContext.Client.AppTitle,
		"leftMs":    time.Until(deadline).Milliseconds(),
		"trace":     os.Getenv("_X_AMZN_TRACE_ID"),
		"function":  lambdacontext.FunctionName,
		"memory":    lambdacontext.MemoryLimitInMB,
	}, nil
}

func mishaps(ctx context.Context, event wish) (any, error) {
	switch event.Do {
	case "error":
		return nil, &refusal{"no"}
	case "plain":
		return nil, errors.New("just so")
	case "panic":
		panic("cannot go on")
	case "index":
		return []int{}[len(event.Path)], nil
	case "exit":
		os.Exit(9)
	case "memory":
		var held [][]byte
		for {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			held = append(held, block)
		}
	case "sleep":
		<-ctx.Done()
		time.Sleep(time.Minute)
	case "big":
		return strings.Repeat("x", 7<<20), nil
	case "read":
		text, err := os.ReadFile(event.Path)
		return string(text), err
	}
	return os.Getpid(), nil
}

func logs(ctx context.Context) error {
	called, _ := lambdacontext.FromContext(ctx)
	log.Print("by the standard logger")
	fmt.Println("by standard output")
	slog.New(slog.NewJSONHandler(os.Stdout, nil)).Info("by slog", "requestId", called.AwsRequestID)
	return nil
}

// slow gives its text in pieces, and may break off.
type slow struct {
	pieces []string
	fails  bool
}

func (s *slow) Read(into []byte) (int, error) {
	if len(s.pieces) == 0 {
		if s.fails {
			return 0, &refusal{"half way"}
		}
		return 0, io.EOF
	}
	piece := s.pieces[0]
	s.pieces = s.pieces[1:]
	time.Sleep(500 * time.Millisecond)
	return copy(into, piece), nil
}

func stream(event wish) (io.Reader, error) {
	return &slow{[]string{"one ", "two ", "three"}, event.Do == "fail"}, nil
}

func page() (*events.LambdaFunctionURLStreamingResponse, error) {
	return &events.LambdaFunctionURLStreamingResponse{
		StatusCode: 201,
		Headers:    map[string]string{"Content-Type": "text/html", "X-Made-By": "Go"},
		Cookies:    []string{"seen=yes"},
		Body:       &slow{pieces: []string{"<p>", "hello", "</p>"}},
	}, nil
}

func main() {
	handlers := map[string]any{
		"echo": echo, "about": about, "mishaps": mishaps, "logs": logs, "stream": stream, "page": page,
	}
	switch handler := os.Getenv("_HANDLER"); handler {
	case "unfit":
		lambda.Start(func(int, int, int) {})
	case "broken":
		panic("no database")
	case "graceful":
		leave := func() { _ = os.WriteFile(os.Getenv("LEAVES"), []byte("SIGTERM has come"), 0o644) }
		lambda.StartWithOptions(mishaps, lambda.WithEnableSIGTERM(leave))
	default:
		lambda.Start(handlers[handler])
	}
}
