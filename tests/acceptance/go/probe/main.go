// What tests/security/test_guests.py asks of each language, in Go: static, so that it is the whole of an image.
package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type wish struct {
	Do     string `json:"do"`
	Path   string `json:"path"`
	Host   string `json:"host"`
	Port   int    `json:"port"`
	Pid    int    `json:"pid"`
	Signal any    `json:"signal"`
}

const sleeper = "sleep"

var (
	turns atomic.Int64
	held  [][]byte
	names = map[syscall.Errno]string{
		syscall.EPERM: "EPERM", syscall.ENOENT: "ENOENT", syscall.ESRCH: "ESRCH", syscall.EACCES: "EACCES",
		syscall.EISDIR: "EISDIR", syscall.EROFS: "EROFS", syscall.ECONNREFUSED: "ECONNREFUSED",
		syscall.ENETUNREACH: "ENETUNREACH", syscall.EAGAIN: "Cannot fork",
	}
)

func named(err error) any {
	if err == nil {
		return "done"
	}
	var number syscall.Errno
	if errors.As(err, &number) && names[number] != "" {
		return names[number]
	}
	return err.Error()
}

func count() any {
	before := turns.Load()
	if before == 0 {
		go func() {
			for {
				turns.Add(1)
			}
		}()
		for turns.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return before
}

func listed(path string) any {
	entries, err := os.ReadDir(path)
	if err != nil {
		return named(err)
	}
	found := []string{}
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

func connected(address string) any {
	connection, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err == nil {
		connection.Close()
	}
	return named(err)
}

// All the memory there is, each page of it.
func taken() any {
	for {
		piece := make([]byte, 1<<20)
		for at := 0; at < len(piece); at += 4096 {
			piece[at] = 1
		}
		held = append(held, piece)
	}
}

// As many processes of this program as it gets, which stay.
func multiplied() any {
	for range 1500 {
		if err := exec.Command("/proc/self/exe", sleeper).Start(); err != nil {
			return named(err)
		}
	}
	return "no limit"
}

func identity() any {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return named(err)
	}
	return []any{os.Getpid(), os.Getuid(), string(status)}
}

func killed(pid int, signal any) any {
	number := syscall.SIGKILL
	if given, is := signal.(float64); is {
		number = syscall.Signal(int(given))
	}
	return named(syscall.Kill(pid, number))
}

func handle(event wish) (any, error) {
	switch event.Do {
	case "count":
		return count(), nil
	case "read":
		text, err := os.ReadFile(event.Path)
		if err != nil {
			return named(err), nil
		}
		return string(text), nil
	case "list":
		return listed(event.Path), nil
	case "write":
		return named(os.WriteFile(event.Path, []byte("x"), 0o644)), nil
	case "kill":
		return killed(event.Pid, event.Signal), nil
	case "identity":
		return identity(), nil
	case "connect":
		return connected(net.JoinHostPort(event.Host, strconv.Itoa(event.Port))), nil
	case "become":
		return named(syscall.Setuid(0)), nil
	case "take":
		return taken(), nil
	default:
		return multiplied(), nil
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == sleeper {
		time.Sleep(time.Minute)
		return
	}
	lambda.Start(handle)
}
