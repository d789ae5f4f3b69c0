package dev.libretto.serve;

import dev.libretto.LibrettoException;
import dev.libretto.run.Disk;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Promise;

/** Checks a request, reads its body, finds its route and lets that answer. */
final class RequestHandler extends Handler.Abstract {
    private static final Pattern BEARER = Pattern.compile("(?i)Bearer +(\\S+)");

    private static final int POLL_MILLIS = 10;
    /** As many bodies of the largest size may be held at once. */
    private static final int LARGE_BODIES = 16;

    private static final String RETRY_SECONDS = "1";

    /** The attribute of a request whose client went away. */
    static final String GONE = "libretto.gone";
    /** What nginx calls the status of a request whose client went away; it is not an error of the server. */
    private static final int CLIENT_GONE = 499;

    private final List<Route> routes;
    private final ServeConfig config;
    private final Metrics metrics;
    private final Connections connections;
    private final MemoryBudget bodies;
    private final MemoryBudget answers;
    private final Consumer<String> log;
    private final boolean isLoopback;
    private final AtomicInteger running = new AtomicInteger();
    private volatile boolean isDraining;

    /**
     * @param isLoopback whether only this host can reach the server
     * @param log receives a line for each failure of the server
     */
    RequestHandler(
            List<Route> routes,
            ServeConfig config,
            boolean isLoopback,
            Metrics metrics,
            Connections connections,
            Consumer<String> log) {
        this.routes = List.copyOf(routes);
        this.config = config;
        this.isLoopback = isLoopback;
        this.metrics = metrics;
        this.connections = connections;
        this.bodies = new MemoryBudget((long) LARGE_BODIES * config.limits().bodyBytes());
        this.answers = new MemoryBudget(config.limits().answerBytes());
        this.log = log;
    }

    /** Refuses requests from now on. */
    void drain() {
        isDraining = true;
    }

    /** Waits until no request is being answered, for a limited time. */
    void await(Duration atMost) throws InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        while (running.get() > 0 && System.nanoTime() < end) {
            Thread.sleep(POLL_MILLIS);
        }
    }

    @Override
    public boolean handle(Request request, Response unlimited, Callback callback) {
        Response response = connections.limited(request, unlimited);
        SecurityHeaders.addTo(response.getHeaders());
        String path = request.getHttpURI().getDecodedPath();
        List<Route> ofPath = routes.stream()
                .filter(route -> path != null && route.matches(path))
                .toList();
        observe(request, response, ofPath.isEmpty() ? "other" : ofPath.get(0).path());
        try {
            if (isDraining) {
                response.getHeaders().put(HttpHeader.CONNECTION, "close");
                throw ApiException.shuttingDown();
            }
            // With a key, other pages cannot read anything, and a proxy may pass its own name on.
            if (isLoopback && config.keys().isEmpty()) {
                HostCheck.check(request, config.listen().host());
            }
            Optional<Route> route = choose(ofPath, request, response);
            if (route.isEmpty()) {
                response.setStatus(HttpStatus.NO_CONTENT_204);
                response.write(true, null, callback);
                return true;
            }
            requireKey(request, response, route.get());
            Exchange exchange =
                    new Exchange(request, response, callback, route.get().rest(path), answers.share(request));
            if (route.get().method().equals("POST")) {
                readBody(exchange, route.get());
            } else {
                answer(route.get(), exchange);
            }
        } catch (ApiException e) {
            sendError(response, callback, e);
        }
        return true;
    }

    private void observe(Request request, Response response, String path) {
        long begun = System.nanoTime();
        Connection connection = request.getConnectionMetaData().getConnection();
        running.incrementAndGet();
        connections.requestBegan(connection);
        Request.addCompletionListener(request, failure -> {
            running.decrementAndGet();
            connections.requestEnded(connection);
            // Jetty has set 500 for a client that went away.
            boolean isGone =
                    request.getAttribute(GONE) != null && response.getStatus() == HttpStatus.INTERNAL_SERVER_ERROR_500;
            metrics.answered(path, isGone ? CLIENT_GONE : response.getStatus(), (System.nanoTime() - begun) / 1e9);
        });
    }

    /** Returns the route of a request; none if it only asks which methods there are. */
    private static Optional<Route> choose(List<Route> ofPath, Request request, Response response) throws ApiException {
        if (ofPath.isEmpty()) {
            throw ApiException.notFound("there is no such path");
        }
        // The first is the most specific.
        List<Route> ofSamePath = ofPath.stream()
                .filter(route -> route.path().equals(ofPath.get(0).path()))
                .toList();
        Optional<Route> route = ofSamePath.stream()
                .filter(candidate -> candidate.answers(request.getMethod()))
                .findFirst();
        if (route.isEmpty()) {
            if (ofPath.get(0).path().equals("/*") && !request.getMethod().equals("OPTIONS")) {
                // The page's files, which no other method is for.
                throw ApiException.notFound("there is no such path");
            }
            String allowed = ofSamePath.stream()
                    .map(candidate -> candidate.method().equals("GET") ? "GET, HEAD" : candidate.method())
                    .collect(Collectors.joining(", ", "", ", OPTIONS"));
            response.getHeaders().put(HttpHeader.ALLOW, allowed);
            if (!request.getMethod().equals("OPTIONS")) {
                throw new ApiException(
                        HttpStatus.METHOD_NOT_ALLOWED_405, "this path allows " + allowed, null, "method_not_allowed");
            }
        }
        return route;
    }

    private void requireKey(Request request, Response response, Route route) throws ApiException {
        if (config.keys().isEmpty() || route.isPublic()) {
            return;
        }
        String given = Optional.ofNullable(request.getHeaders().get(HttpHeader.AUTHORIZATION))
                .map(BEARER::matcher)
                .filter(Matcher::matches)
                .map(match -> match.group(1))
                .orElse("");
        if (!config.keys().get().contains(given)) {
            response.getHeaders().put(HttpHeader.WWW_AUTHENTICATE, "Bearer");
            throw new ApiException(
                    HttpStatus.UNAUTHORIZED_401,
                    given.isEmpty()
                            ? "this server wants a key; send it as \"Authorization: Bearer KEY\""
                            : "wrong key; ask who runs this server",
                    null,
                    "invalid_api_key");
        }
    }

    /** Reads the body without holding a thread, then lets the route answer. */
    private void readBody(Exchange exchange, Route route) throws ApiException {
        Request request = exchange.request();
        String type = String.valueOf(request.getHeaders().get(HttpHeader.CONTENT_TYPE));
        // A page of another site can send other types without asking the server first.
        if (!type.toLowerCase(Locale.ROOT).matches("application/json\\s*(;.*)?")) {
            throw new ApiException(
                    HttpStatus.UNSUPPORTED_MEDIA_TYPE_415,
                    "the body must be JSON; send \"Content-Type: application/json\"",
                    null,
                    "unsupported_media_type");
        }
        int most = config.limits().bodyBytes();
        if (request.getLength() > most) {
            throw tooLarge(most);
        }
        CompletableFuture<byte[]> body = new CompletableFuture<>();
        Content.Source.asByteArrayAsync(new CountedBody(request, bodies), most, Promise.Invocable.toPromise(body));
        body.orTimeout(config.limits().idle().toMillis(), TimeUnit.MILLISECONDS).whenComplete((bytes, failure) -> {
            if (failure == null) {
                exchange.setBody(bytes);
                answer(route, exchange);
            } else {
                // The rest of the body may still come.
                exchange.setHeader(HttpHeader.CONNECTION, "close");
                sendError(exchange.response(), exchange.callback(), bodyFailure(failure, most));
            }
        });
    }

    private static ApiException tooLarge(int most) {
        return new ApiException(
                HttpStatus.PAYLOAD_TOO_LARGE_413,
                String.format(Locale.ROOT, "the body is larger than %,d bytes; send less text", most),
                null,
                "body_too_large");
    }

    private static ApiException bodyFailure(Throwable failure, int most) {
        if (failure instanceof ApiException known) {
            return known;
        }
        if (failure instanceof TimeoutException) {
            return new ApiException(
                    HttpStatus.REQUEST_TIMEOUT_408, "the body did not arrive in time; send it faster", null, "timeout");
        }
        return failure instanceof HttpException ? ApiException.badRequest("the body is incomplete") : tooLarge(most);
    }

    private void answer(Route route, Exchange exchange) {
        try {
            route.endpoint().answer(exchange);
        } catch (ApiException e) {
            sendError(exchange.response(), exchange.callback(), e);
        } catch (Exception | LinkageError | OutOfMemoryError e) {
            log.accept(route.method() + " " + route.path() + " failed: "
                    + LibrettoException.oneLine(e.getClass().getSimpleName() + ": " + Disk.reason(e)));
            sendError(exchange.response(), exchange.callback(), ApiException.internal());
        }
    }

    static void sendError(Response response, Callback callback, ApiException error) {
        if (response.isCommitted()) {
            callback.failed(error);
            return;
        }
        response.setStatus(error.status());
        if (error.status() == HttpStatus.TOO_MANY_REQUESTS_429) {
            response.getHeaders().put(HttpHeader.RETRY_AFTER, RETRY_SECONDS);
        }
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, Exchange.JSON);
        response.write(true, ByteBuffer.wrap(JsonBody.write(error.toJson())), callback);
    }

    /** Answers what Jetty finds wrong with a request before it is handled. */
    static boolean answerBadRequest(Request request, Response response, Callback callback) {
        SecurityHeaders.addTo(response.getHeaders());
        String reason = String.valueOf(request.getAttribute(ErrorHandler.ERROR_MESSAGE));
        sendError(
                response,
                callback,
                new ApiException(response.getStatus(), LibrettoException.oneLine(reason), null, "bad_http"));
        return true;
    }
}
