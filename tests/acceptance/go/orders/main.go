// A small service of orders, as one would write it: routes by chi, names by uuid; behind a function URL or an HTTP API.
package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"
)

type order struct {
	ID    string         `json:"id"`
	Items map[string]int `json:"items"`
}

type shop struct {
	mutex  sync.Mutex
	orders map[string]order
}

func (s *shop) place(w http.ResponseWriter, r *http.Request) {
	var wanted order
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || len(wanted.Items) == 0 {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"problem": "an order has items"})
		return
	}
	wanted.ID = uuid.NewString()
	s.mutex.Lock()
	s.orders[wanted.ID] = wanted
	s.mutex.Unlock()
	slog.Info("placed", "order", wanted.ID)
	http.SetCookie(w, &http.Cookie{Name: "last", Value: wanted.ID})
	w.Header().Set("Location", "/orders/"+wanted.ID)
	answer(w, http.StatusCreated, wanted)
}

func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	found, there := s.orders[chi.URLParam(r, "id")]
	s.mutex.Unlock()
	if !there {
		answer(w, http.StatusNotFound, map[string]string{"problem": "no such order"})
		return
	}
	answer(w, http.StatusOK, found)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	s := &shop{orders: map[string]order{}}
	router := chi.NewRouter()
	router.Use(middleware.Recoverer)
	router.Post("/orders", s.place)
	router.Get("/orders/{id}", s.show)
	router.Get("/search", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, r.URL.Query()) })
	lambda.Start(httpadapter.NewV2(router).ProxyWithContext)
}
