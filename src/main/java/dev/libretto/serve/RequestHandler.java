package dev.libretto.serve;

import dev.libretto.LibrettoException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Checks a request, reads its body, finds its route and lets that answer. */
final class RequestHandler extends Handler.Abstract {
    private static final Pattern BEARER = Pattern.compile("(?i)Bearer +(\\S+)");

    private final List<Route> routes;
    private final Optional<ApiKeys> keys;
    private final Limits limits;
    private final Consumer<String> log;

    /** @param log receives a line for each failure of the server */
    RequestHandler(List<Route> routes, Optional<ApiKeys> keys, Limits limits, Consumer<String> log) {
        this.routes = List.copyOf(routes);
        this.keys = keys;
        this.limits = limits;
        this.log = log;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        SecurityHeaders.addTo(response.getHeaders());
        try {
            Route route = route(request, response);
            if (route == null) {
                response.setStatus(HttpStatus.NO_CONTENT_204);
                response.write(true, null, callback);
                return true;
            }
            requireKey(request, response, route);
            if (route.method().equals("POST")) {
                readBody(request, response, callback, route);
            } else {
                answer(route, new Exchange(request, response, callback, rest(route, request), new byte[0]));
            }
        } catch (ApiException e) {
            sendError(response, callback, e);
        }
        return true;
    }

    private static String path(Request request) {
        return request.getHttpURI().getDecodedPath();
    }

    private static String rest(Route route, Request request) {
        return route.rest(path(request));
    }

    /** Returns the route of a request; null for OPTIONS. */
    private Route route(Request request, Response response) throws ApiException {
        String path = path(request);
        List<Route> ofPath = routes.stream()
                .filter(route -> path != null && route.matches(path))
                .toList();
        if (ofPath.isEmpty()) {
            throw ApiException.notFound("there is no such path");
        }
        Optional<Route> route = ofPath.stream()
                .filter(candidate -> candidate.answers(request.getMethod()))
                .findFirst();
        if (route.isEmpty()) {
            String allowed = ofPath.stream()
                    .map(candidate -> candidate.method().equals("GET") ? "GET, HEAD" : candidate.method())
                    .distinct()
                    .collect(Collectors.joining(", ", "", ", OPTIONS"));
            response.getHeaders().put(HttpHeader.ALLOW, allowed);
            if (request.getMethod().equals("OPTIONS")) {
                return null;
            }
            throw new ApiException(
                    HttpStatus.METHOD_NOT_ALLOWED_405, "this path allows " + allowed, null, "method_not_allowed");
        }
        return route.get();
    }

    private void requireKey(Request request, Response response, Route route) throws ApiException {
        if (keys.isEmpty() || route.isPublic()) {
            return;
        }
        String given = Optional.ofNullable(request.getHeaders().get(HttpHeader.AUTHORIZATION))
                .map(BEARER::matcher)
                .filter(Matcher::matches)
                .map(match -> match.group(1))
                .orElse("");
        if (!keys.get().contains(given)) {
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
    private void readBody(Request request, Response response, Callback callback, Route route) throws ApiException {
        if (request.getLength() > limits.bodyBytes()) {
            throw tooLarge();
        }
        CompletableFuture<byte[]> body = Content.Source.asByteArrayAsync(request, limits.bodyBytes());
        body.orTimeout(limits.idle().toMillis(), TimeUnit.MILLISECONDS).whenComplete((bytes, failure) -> {
            if (failure == null) {
                answer(route, new Exchange(request, response, callback, rest(route, request), bytes));
            } else {
                sendError(response, callback, bodyFailure(failure));
            }
        });
    }

    private ApiException tooLarge() {
        return new ApiException(
                HttpStatus.PAYLOAD_TOO_LARGE_413,
                "the body is larger than " + limits.bodyBytes() + " bytes; send less text",
                null,
                "body_too_large");
    }

    private ApiException bodyFailure(Throwable failure) {
        if (failure instanceof TimeoutException) {
            return new ApiException(
                    HttpStatus.REQUEST_TIMEOUT_408, "the body did not arrive in time; send it faster", null, null);
        }
        return failure instanceof HttpException ? ApiException.badRequest("the body is incomplete") : tooLarge();
    }

    private void answer(Route route, Exchange exchange) {
        try {
            route.endpoint().answer(exchange);
        } catch (ApiException e) {
            sendError(exchange.response(), exchange.callback(), e);
        } catch (Exception | LinkageError e) {
            log.accept(request(route) + " failed: " + LibrettoException.oneLine(e.toString()));
            sendError(exchange.response(), exchange.callback(), failure());
        }
    }

    private static String request(Route route) {
        return route.method() + " " + route.path();
    }

    private static ApiException failure() {
        return new ApiException(
                HttpStatus.INTERNAL_SERVER_ERROR_500,
                "the server failed; its messages say why",
                null,
                "internal_error");
    }

    private static void sendError(Response response, Callback callback, ApiException error) {
        if (response.isCommitted()) {
            callback.failed(error);
            return;
        }
        HttpFields.Mutable headers = response.getHeaders();
        headers.put(HttpHeader.CONTENT_TYPE, Exchange.JSON);
        response.setStatus(error.status());
        response.write(true, ByteBuffer.wrap(JsonBody.write(error.toJson())), callback);
    }
}
