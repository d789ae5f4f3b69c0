package dev.libretto.serve;

import dev.libretto.generate.ContinuousDecoder.Counts;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.TimeoutException;
import java.util.function.ToDoubleFunction;
import org.eclipse.jetty.http.HttpStatus;

/** {@code GET /metrics}: what the server does and has done, for Prometheus. */
final class Metrics implements Endpoint {
    private static final double[] SECONDS = {
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300
    };

    /** Why a text was not written to its end. */
    enum Cancellation {
        DISCONNECTED,
        SLOW_CLIENT,
        SHUTDOWN;

        /** Returns the reason if a connection failed. */
        static Cancellation of(Throwable failure) {
            return failure instanceof TimeoutException ? SLOW_CLIENT : DISCONNECTED;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final ServedModels models;
    private final Counter requests;
    private final Histogram duration;
    private final Histogram firstCharacter;
    private final Counter cancelled;

    Metrics(ServedModels models) {
        this.models = models;
        requests = Counter.builder()
                .name("libretto_requests_total")
                .help("Requests answered, by path and status.")
                .labelNames("path", "status")
                .register(registry);
        duration = histogram("libretto_request_duration_seconds", "Time until an answer was complete.", "path");
        firstCharacter = histogram(
                "libretto_first_character_seconds",
                "Time until the first character of an answer was written.",
                "model");
        cancelled = Counter.builder()
                .name("libretto_cancelled_total")
                .help("Requests that were cancelled while their texts were written, by reason.")
                .labelNames("reason")
                .register(registry);
        gauge("libretto_rows_busy", "Texts that are read or written.", Counts::rows);
        gauge("libretto_queue_length", "Texts that wait for a row.", Counts::waiting);
        gauge("libretto_states", "States of texts that are kept.", Counts::states);
        gauge("libretto_state_bytes", "Memory of the states that are kept, and of their texts.", Counts::stateBytes);
        counter("libretto_state_hits_total", "Texts that continued one whose state was kept.", Counts::hits);
        counter("libretto_state_misses_total", "Texts that were read from the start.", Counts::misses);
        counter("libretto_characters_read_total", "Characters of prompts that were read.", Counts::read);
        counter("libretto_characters_written_total", "Characters that were written.", Counts::written);
        counter("libretto_steps_total", "Runs of the model.", Counts::steps);
        counter(
                "libretto_step_rows_total",
                "Texts in those runs, summed up; divided by them it is the mean batch size.",
                Counts::stepRows);
    }

    private Histogram histogram(String name, String help, String label) {
        return Histogram.builder()
                .name(name)
                .help(help)
                .labelNames(label)
                .classicOnly()
                .classicUpperBounds(SECONDS)
                .register(registry);
    }

    private void gauge(String name, String help, ToDoubleFunction<Counts> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames("model")
                .callback(callback ->
                        models.all().forEach(model -> callback.call(value.applyAsDouble(model.counts()), model.name())))
                .register(registry);
    }

    private void counter(String name, String help, ToDoubleFunction<Counts> value) {
        CounterWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames("model")
                .callback(callback ->
                        models.all().forEach(model -> callback.call(value.applyAsDouble(model.counts()), model.name())))
                .register(registry);
    }

    void answered(String path, int status, double seconds) {
        requests.labelValues(path, Integer.toString(status)).inc();
        duration.labelValues(path).observe(seconds);
    }

    void firstCharacter(String model, double seconds) {
        firstCharacter.labelValues(model).observe(seconds);
    }

    void cancelled(Cancellation reason) {
        cancelled.labelValues(reason.toString()).inc();
    }

    @Override
    public void answer(Exchange exchange) throws ApiException, IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.create();
        writer.write(text, registry.scrape());
        exchange.send(HttpStatus.OK_200, writer.getContentType(), text.toByteArray());
    }
}
