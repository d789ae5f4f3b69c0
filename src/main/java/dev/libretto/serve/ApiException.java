package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.generate.ModelFailedException;
import java.util.concurrent.CancellationException;
import org.eclipse.jetty.http.HttpStatus;

/** A failure that a client is told about, in the JSON that clients of OpenAI expect. */
final class ApiException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String param;
    private final String code;

    /**
     * @param param the field of the request that is wrong; null for none
     * @param code a word for programs; null for none
     */
    ApiException(int status, String message, String param, String code) {
        super(message);
        this.status = status;
        this.param = param;
        this.code = code;
    }

    /** Returns the exception for a field with a wrong value. */
    static ApiException badField(String param, String message) {
        return new ApiException(HttpStatus.BAD_REQUEST_400, message, param, "invalid_value");
    }

    static ApiException badRequest(String message) {
        return new ApiException(HttpStatus.BAD_REQUEST_400, message, null, null);
    }

    static ApiException notFound(String message) {
        return new ApiException(HttpStatus.NOT_FOUND_404, message, null, "not_found");
    }

    static ApiException shuttingDown() {
        return new ApiException(
                HttpStatus.SERVICE_UNAVAILABLE_503, "the server is shutting down", null, "shutting_down");
    }

    static ApiException modelFailed() {
        return new ApiException(
                HttpStatus.SERVICE_UNAVAILABLE_503,
                "the model failed; ask who runs this server to restart it",
                null,
                "model_failed");
    }

    static ApiException internal() {
        return new ApiException(
                HttpStatus.INTERNAL_SERVER_ERROR_500,
                "the server failed; its messages say why",
                null,
                "internal_error");
    }

    /** Returns the exception for a text that a decoder did not write to its end. */
    static ApiException ofDecoder(RuntimeException cause) {
        if (cause instanceof ModelFailedException) {
            return modelFailed();
        }
        return cause instanceof CancellationException ? shuttingDown() : internal();
    }

    int status() {
        return status;
    }

    ObjectNode toJson() {
        return toJson(status, getMessage(), param, code);
    }

    private static ObjectNode toJson(int status, String message, String param, String code) {
        String type = switch (status) {
            case HttpStatus.UNAUTHORIZED_401 -> "authentication_error";
            case HttpStatus.TOO_MANY_REQUESTS_429 -> "rate_limit_error";
            default -> status < HttpStatus.INTERNAL_SERVER_ERROR_500 ? "invalid_request_error" : "server_error";
        };
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("error")
                .put("message", message)
                .put("type", type)
                .put("param", param)
                .put("code", code);
        return body;
    }
}
