package dev.libretto.serve;

import dev.libretto.CharModel;
import dev.libretto.export.Npy;
import dev.libretto.serve.Metrics.Cancellation;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;

/** {@code POST /v1/inspect}: what a model computes while it reads a text, as JSON, as a page, or as NumPy arrays. */
final class InspectEndpoint implements Endpoint {
    /** The most values of the states: characters × units × arrays of each unit's state. */
    private static final int MAX_VALUES = 1 << 23;
    /** The most characters, of which each has likely others in the answer, however small the model is. */
    private static final int MAX_CHARACTERS = 100_000;

    /** A text is read by a thread that also answers other requests. */
    private static final int AT_ONCE = 2;

    private static final List<String> FORMATS = List.of("json", "html", "npz");

    private final ServedModels models;
    private final Semaphore free = new Semaphore(AT_ONCE);

    InspectEndpoint(ServedModels models) {
        this.models = models;
    }

    @Override
    public void answer(Exchange exchange) throws ApiException {
        Fields fields = new Fields(exchange.json());
        ServedModel served = models.find(fields.text("model"));
        String text = fields.text("text");
        String format = Optional.ofNullable(fields.text("format")).orElse(FORMATS.get(0));
        fields.requireKnown();
        if (text == null) {
            throw ApiException.badField("text", "text is missing; send the text to read");
        }
        Texts.requireLength(text, "text", MAX_CHARACTERS);
        if (!FORMATS.contains(format)) {
            throw ApiException.badField("format", "format must be one of " + String.join(", ", FORMATS));
        }
        if (!free.tryAcquire()) {
            throw new ApiException(
                    HttpStatus.TOO_MANY_REQUESTS_429, AT_ONCE + " texts are being read already", null, "busy");
        }
        try (OpenModel.Lease lease = served.lease()) {
            InspectedText inspected = read(exchange, lease.model(), served.name(), text);
            switch (format) {
                case "html" -> exchange.sendText(HttpStatus.OK_200, Exchange.HTML, inspected.html());
                case "npz" -> exchange.send(HttpStatus.OK_200, "application/zip", Npy.archive(inspected.states()));
                default -> exchange.sendText(HttpStatus.OK_200, Exchange.JSON, inspected.json());
            }
        } catch (CancellationException e) {
            exchange.abandon(Cancellation.DISCONNECTED);
        } finally {
            free.release();
        }
    }

    /** Throws a CancellationException if the client goes away. */
    private static InspectedText read(Exchange exchange, CharModel model, String name, String text)
            throws ApiException {
        FutureTask<InspectedText> reading = new FutureTask<>(() -> InspectedText.of(model, name, text, MAX_VALUES));
        DisconnectWatch watch = new DisconnectWatch(exchange.request(), reason -> reading.cancel(true));
        watch.start();
        reading.run();
        if (!watch.stop()) {
            exchange.setHeader(HttpHeader.CONNECTION, "close");
        }
        // The thread goes on to other requests.
        Thread.interrupted();
        try {
            return reading.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IllegalArgumentException wrong) {
                throw ApiException.badField("text", wrong.getMessage());
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
