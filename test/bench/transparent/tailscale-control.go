// A control server for two Tailscale nodes of the benchmark: Tailscale's own one for tests, without any relay.
// Listens at its one argument.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := &testcontrol.Server{
		Logf:             func(string, ...any) {},
		DERPMap:          &tailcfg.DERPMap{},
		AllNodesSameUser: true,
		AllOnline:        true,
		ExplicitBaseURL:  "http://" + os.Args[1],
	}
	fmt.Println("ready")
	if err := http.Serve(listener, server); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
