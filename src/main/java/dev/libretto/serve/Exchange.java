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

/** A request whose body has arrived, and its answer. */
final class Exchange {
    static final String JSON = "application/json";
    static final String HTML = "text/html; charset=utf-8";

    private final Request request;
    private final Response response;
    private final Callback callback;
    private final String rest;
    private final byte[] body;

    /** @param rest the part of the path that {@link Route#rest} returns */
    Exchange(Request request, Response response, Callback callback, String rest, byte[] body) {
        this.request = request;
        this.response = response;
        this.callback = callback;
        this.rest = rest;
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

    void send(int status, JsonNode answer) {
        send(status, JSON, JsonBody.write(answer));
    }

    /** Sends a whole answer. */
    void send(int status, String type, byte[] answer) {
        response.setStatus(status);
        setHeader(HttpHeader.CONTENT_TYPE, type);
        response.write(true, ByteBuffer.wrap(answer), callback);
    }

    void sendText(int status, String type, String answer) {
        send(status, type, answer.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends an answer that the client keeps, and asks again by its ETag; status 304 if it has it. */
    void sendUnlessKnown(String type, byte[] answer) {
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
