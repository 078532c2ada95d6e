// A program that tries to get out of its sandbox: static, without a C library between it and the kernel. It is asked
// for one attempt and tells what came of it: the name of the kernel's refusal, or what it got hold of.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/aws/aws-lambda-go/lambda"
)

type wish struct {
	Do     string    `json:"do"`
	Number uintptr   `json:"number"`
	Args   []uintptr `json:"args"`
	Path   string    `json:"path"`
}

// A page to point at where a call wants memory.
var page [4096]byte

func called(number uintptr, args ...uintptr) any {
	var all [6]uintptr
	copy(all[:], args)
	got, _, refusal := syscall.RawSyscall6(number, all[0], all[1], all[2], all[3], all[4], all[5])
	if refusal != 0 {
		return refusal.Error()
	}
	return got
}

func here() uintptr { return uintptr(unsafe.Pointer(&page)) }

// A child in new namespaces, by clone itself: its flags are what a filter sees.
func cloned(flags uintptr) any {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child, _, refusal := syscall.RawSyscall(syscall.SYS_CLONE, flags|uintptr(syscall.SIGCHLD), 0, 0)
	if refusal != 0 {
		return refusal.Error()
	}
	if child == 0 {
		syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
	}
	_, _ = syscall.Wait4(int(child), nil, 0, nil)
	return child
}

// The calls of 32-bit programs, which a filter of 64-bit ones does not know: x32 by its bit.
func x32() any { return called(0x40000000 + uintptr(syscall.SYS_GETPID)) }

func written(path string) any {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return told(err)
	}
	defer file.Close()
	return "opened"
}

func read(path string) any {
	text, err := os.ReadFile(path)
	if err != nil {
		return told(err)
	}
	return string(text[:min(len(text), 200)])
}

func told(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}

// Whatever the process can reach of others: descriptors, roots, memory.
func reached() any {
	found := []string{}
	links, _ := filepath.Glob("/proc/[0-9]*/root")
	for _, link := range links {
		if pid := strings.Split(link, "/")[2]; pid != fmt.Sprint(os.Getpid()) {
			if _, err := os.ReadDir(link + "/"); err == nil {
				found = append(found, link)
			}
			if memory, err := os.OpenFile("/proc/"+pid+"/mem", os.O_RDWR, 0); err == nil {
				found = append(found, memory.Name())
				memory.Close()
			}
		}
	}
	descriptors, _ := os.ReadDir("/proc/self/fd")
	for _, each := range descriptors {
		to, _ := os.Readlink("/proc/self/fd/" + each.Name())
		if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/dev/null") && !strings.HasPrefix(to, "/proc/") &&
			!strings.HasPrefix(to, "/sys/fs/cgroup") {
			found = append(found, to)
		}
	}
	return found
}

func dialled(address string) any {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return "refused"
	}
	connection.Close()
	return "connected"
}

// Memory written through the kernel's own door, which needs no permission of the page.
func patched() any {
	file, err := os.OpenFile("/proc/1/mem", os.O_RDWR, 0)
	if err != nil {
		return told(err)
	}
	defer file.Close()
	_, err = file.WriteAt([]byte{0x90}, 0x400000)
	return fmt.Sprint(err)
}

// As many children as it gets, which stay.
func forks() any {
	children := 0
	for ; children < 50_000; children++ {
		pid, _, refusal := syscall.RawSyscall(syscall.SYS_FORK, 0, 0, 0)
		if refusal != 0 {
			return children
		}
		if pid == 0 {
			for {
				syscall.RawSyscall(syscall.SYS_PAUSE, 0, 0, 0)
			}
		}
	}
	return children
}

func attempt(event wish) (any, error) {
	switch event.Do {
	case "call":
		args := append([]uintptr{}, event.Args...)
		for i, arg := range args {
			if arg == 4711 { // stands for memory of ours
				args[i] = here()
			}
		}
		return called(event.Number, args...), nil
	case "clone":
		return cloned(event.Number), nil
	case "x32":
		return x32(), nil
	case "write":
		return written(event.Path), nil
	case "read":
		return read(event.Path), nil
	case "reach":
		return reached(), nil
	case "dial":
		return dialled(event.Path), nil
	case "patch":
		return patched(), nil
	case "forks":
		return forks(), nil
	case "who":
		return []int{os.Getpid(), os.Getuid(), os.Geteuid()}, nil
	}
	return nil, errors.New("no such attempt")
}

func main() {
	lambda.Start(func(event json.RawMessage) (any, error) {
		var wanted wish
		if err := json.Unmarshal(event, &wanted); err != nil {
			return nil, err
		}
		return attempt(wanted)
	})
}
