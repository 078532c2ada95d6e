// An external extension: it speaks the Extensions API with nothing but Go's own library, and tells what it hears.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

const identifier = "Lambda-Extension-Identifier"

var api = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension/"

type event struct {
	EventType          string `json:"eventType"`
	RequestID          string `json:"requestId"`
	InvokedFunctionArn string `json:"invokedFunctionArn"`
	ShutdownReason     string `json:"shutdownReason"`
	DeadlineMs         int64  `json:"deadlineMs"`
}

func asked(method, path string, body []byte, header http.Header, told any) http.Header {
	request, err := http.NewRequest(method, api+path, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header = header
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		panic(answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(told); err != nil {
		panic(err)
	}
	return answer.Header
}

func main() {
	var function map[string]string
	name := http.Header{"Lambda-Extension-Name": {filepath.Base(os.Args[0])}}
	header := asked("POST", "register", []byte(`{"events": ["INVOKE", "SHUTDOWN"]}`), name, &function)
	fmt.Println("go extension of", function["functionName"])
	for {
		var heard event
		asked("GET", "event/next", nil, http.Header{identifier: {header.Get(identifier)}}, &heard)
		fmt.Println("go extension hears", heard.EventType, heard.RequestID, heard.ShutdownReason, heard.DeadlineMs > 0)
		if heard.EventType == "SHUTDOWN" {
			return
		}
	}
}
