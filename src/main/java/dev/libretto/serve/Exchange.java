package dev.libretto.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.serve.Metrics.Cancellation;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.QuietException;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** A request and its answer. */
final class Exchange {
    static final String JSON = "application/json";
    static final String HTML = "text/html; charset=utf-8";
    /** Answers of at most so many bytes always have room; the number of connections limits them. */
    private static final int SMALL = 64 << 10;

    private final Request request;
    private final Response response;
    private final Callback callback;
    private final String rest;
    private final MemoryBudget.Share held;
    private byte[] body = new byte[0];

    /**
     * @param rest the part of the path that {@link Route#rest} returns
     * @param held what the answer holds until the client has accepted it
     */
    Exchange(Request request, Response response, Callback callback, String rest, MemoryBudget.Share held) {
        this.request = request;
        this.response = response;
        this.callback = callback;
        this.rest = rest;
        this.held = held;
    }

    /** Sets the body, before the request is answered. */
    void setBody(byte[] body) {
        this.body = body;
    }

    /** Returns what the path has in place of the route's {@code *}. */
    String rest() {
        return rest;
    }

    Optional<String> header(HttpHeader name) {
        return Optional.ofNullable(request.getHeaders().get(name));
    }

    /** Returns the body, which must be a JSON object. */
    ObjectNode json() throws ApiException {
        return JsonBody.parse(body);
    }

    /** Adds a header to the answer, before it is sent. */
    void setHeader(HttpHeader name, String value) {
        response.getHeaders().put(new HttpField(name, value));
    }

    /** Throws if this answer and those of other requests would need too much memory together. */
    void hold(long bytes) throws ApiException {
        if (bytes > SMALL && !held.hold(bytes)) {
            throw new ApiException(
                    HttpStatus.TOO_MANY_REQUESTS_429,
                    "the server is keeping too many long answers; try again later, or ask for less",
                    null,
                    "answers_full");
        }
    }

    void send(int status, JsonNode answer) throws ApiException {
        send(status, JSON, JsonBody.write(answer));
    }

    /** Sends a whole answer. */
    void send(int status, String type, byte[] answer) throws ApiException {
        hold(answer.length);
        response.setStatus(status);
        setHeader(HttpHeader.CONTENT_TYPE, type);
        response.write(true, ByteBuffer.wrap(answer), callback);
    }

    void sendText(int status, String type, String answer) throws ApiException {
        send(status, type, answer.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends an answer that the client keeps, and asks again by its ETag; status 304 if it has it. */
    void sendUnlessKnown(String type, byte[] answer) throws ApiException {
        String etag = etag(answer);
        setHeader(HttpHeader.CACHE_CONTROL, "no-cache");
        setHeader(HttpHeader.ETAG, etag);
        if (header(HttpHeader.IF_NONE_MATCH)
                .filter(known -> known.contains(etag))
                .isPresent()) {
            sendStatus(HttpStatus.NOT_MODIFIED_304);
        } else {
            send(HttpStatus.OK_200, type, answer);
        }
    }

    private static String etag(byte[] content) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
            return "\"" + new BigInteger(1, hash).toString(36) + "\"";
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    /** Closes the connection of a client that went away, or is too slow. */
    void abandon(Cancellation reason) {
        request.setAttribute(RequestHandler.GONE, true);
        callback.failed(new QuietException.Exception(reason.toString()));
    }

    /** Sends an answer without a body. */
    void sendStatus(int status) {
        response.setStatus(status);
        response.write(true, null, callback);
    }

    Request request() {
        return request;
    }

    Response response() {
        return response;
    }

    Callback callback() {
        return callback;
    }
}
