package dev.libretto.serve;

/** Answers the requests of a path. */
@FunctionalInterface
interface Endpoint {
    /**
     * Answers a request, now or later from another thread. The request's body has arrived. May block for short.
     *
     * @throws ApiException if the client can put it right
     */
    void answer(Exchange exchange) throws Exception;
}
