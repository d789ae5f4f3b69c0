package dev.libretto.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.libretto.device.HostAddress;
import dev.libretto.run.Json;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The environment variable {@code TF_CONFIG}, which launchers such as Kubeflow's TFJob set on each host: the addresses of all, and
 * which of them this process is. The chief trains and the others serve.
 *
 * @param address of this process; null for an evaluator
 * @param workers the hosts besides the chief
 */
record TfConfig(Role role, HostAddress address, List<HostAddress> workers) {
    enum Role {
        CHIEF,
        WORKER,
        /** Other programs evaluate checkpoints on this host. */
        EVALUATOR
    }

    private static final String EXAMPLE = "it must be like {\"cluster\": {\"chief\": [\"HOST:PORT\"], \"worker\":"
            + " [\"HOST:PORT\"]}, \"task\": {\"type\": \"chief\", \"index\": 0}}";

    /** Returns the variable's content, if it names more than one host. */
    static Optional<TfConfig> of(Map<String, String> environment) throws UsageException {
        String text = environment.getOrDefault("TF_CONFIG", "");
        if (text.isBlank()) {
            return Optional.empty();
        }
        JsonNode config = Json.peek(text);
        if (!config.isObject()) {
            throw new UsageException("TF_CONFIG is not a JSON object; " + EXAMPLE);
        }
        JsonNode cluster = config.path("cluster");
        JsonNode task = config.path("task");
        if (!addresses(cluster, "ps").isEmpty()) {
            throw new UsageException(
                    "TF_CONFIG has parameter servers (ps), which Libretto does not use; make them workers");
        }
        List<HostAddress> chiefs = new ArrayList<>(addresses(cluster, "chief"));
        chiefs.addAll(addresses(cluster, "master"));
        if (chiefs.size() > 1) {
            throw new UsageException("TF_CONFIG has " + chiefs.size() + " chiefs; leave one");
        }
        List<HostAddress> all = new ArrayList<>(chiefs);
        all.addAll(addresses(cluster, "worker"));
        for (HostAddress address : all) {
            if (Collections.frequency(all, address) > 1) {
                throw new UsageException("TF_CONFIG names " + address + " twice; name each host once");
            }
        }
        String type = task.path("type").asText();
        if (type.equals("evaluator")) {
            return Optional.of(new TfConfig(Role.EVALUATOR, null, List.of()));
        }
        if (all.size() < 2) {
            return Optional.empty();
        }
        List<HostAddress> own =
                List.of("chief", "master", "worker").contains(type) ? addresses(cluster, type) : List.of();
        String index = task.path("index").asText();
        if (!index.matches("[0-9]{1,6}") || Integer.parseInt(index) >= own.size()) {
            throw new UsageException(
                    "TF_CONFIG has no address for task type \"" + type + "\", index \"" + index + "\"; " + EXAMPLE);
        }
        HostAddress address = own.get(Integer.parseInt(index));
        return Optional.of(new TfConfig(
                address.equals(all.get(0)) ? Role.CHIEF : Role.WORKER,
                address,
                List.copyOf(all.subList(1, all.size()))));
    }

    private static List<HostAddress> addresses(JsonNode cluster, String type) throws UsageException {
        List<HostAddress> addresses = new ArrayList<>();
        for (JsonNode address : cluster.path(type)) {
            try {
                addresses.add(HostAddress.parse(address.asText()));
            } catch (IllegalArgumentException e) {
                throw new UsageException("TF_CONFIG: an address of type " + type + " " + e.getMessage() + " (got "
                        + Shell.quote(address.asText()) + ")");
            }
        }
        return addresses;
    }
}
