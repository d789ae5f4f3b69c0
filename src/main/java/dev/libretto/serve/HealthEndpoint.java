package dev.libretto.serve;

import java.util.Optional;
import java.util.stream.Collectors;
import org.eclipse.jetty.http.HttpStatus;

/** {@code GET /healthz}: whether every model can be used, for what restarts the server otherwise. */
record HealthEndpoint(ServedModels models) implements Endpoint {
    @Override
    public void answer(Exchange exchange) throws ApiException {
        String failures = models.all().stream()
                .map(ServedModel::failure)
                .flatMap(Optional::stream)
                .map(failure -> failure + "\n")
                .collect(Collectors.joining());
        boolean isWell = failures.isEmpty();
        exchange.sendText(
                isWell ? HttpStatus.OK_200 : HttpStatus.SERVICE_UNAVAILABLE_503,
                "text/plain; charset=utf-8",
                isWell ? "ok\n" : failures);
    }
}
