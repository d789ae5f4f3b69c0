package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/** {@code GET /v1/runs} and {@code GET /v1/runs/NAME}: what is known about each run in the folder. */
final class RunsEndpoint implements Endpoint {
    private final RunsFolder folder;

    RunsEndpoint(RunsFolder folder) {
        this.folder = folder;
    }

    @Override
    public void answer(Exchange exchange) throws ApiException, IOException {
        String name = exchange.rest();
        ObjectNode answer = name.isEmpty()
                ? folder.list()
                : folder.run(name).orElseThrow(() -> ApiException.notFound("there is no run of this name"));
        exchange.sendUnlessKnown(Exchange.JSON, JsonBody.write(answer));
    }
}
