// Holds a pod's namespaces: it waits for the signal that ends the pod and collects the processes whose parents have gone.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for collected := 1; collected > 0; {
			collected, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
	}
}
