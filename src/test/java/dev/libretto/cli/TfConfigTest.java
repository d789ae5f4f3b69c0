package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.cli.TfConfig.Role;
import dev.libretto.device.HostAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TfConfigTest {
    private static final List<HostAddress> BOTH = HostAddress.parseAll("w0:2222,w1:2222");

    private static Optional<TfConfig> parse(String json) throws UsageException {
        return TfConfig.of(Map.of("TF_CONFIG", json));
    }

    private static String config(String cluster, String type, int index) {
        return "{\"cluster\":{" + cluster + "},\"task\":{\"type\":\"" + type + "\",\"index\":" + index
                + "},\"environment\":\"cloud\"}";
    }

    @ParameterizedTest
    @CsvSource({"chief, 0, CHIEF, c:2222", "worker, 0, WORKER, w0:2222", "worker, 1, WORKER, w1:2222"})
    void eachTaskHasItsRoleAndAllKnowTheWorkers(String type, int index, Role role, String address)
            throws UsageException {
        String cluster = "\"chief\":[\"c:2222\"],\"worker\":[\"w0:2222\",\"w1:2222\"]";
        assertThat(parse(config(cluster, type, index))).contains(new TfConfig(role, HostAddress.parse(address), BOTH));
        assertThat(parse(config(cluster.replace("chief", "master"), type.replace("chief", "master"), index)))
                .contains(new TfConfig(role, HostAddress.parse(address), BOTH));
    }

    @Test
    void firstWorkerIsTheChiefIfNoOtherIs() throws UsageException {
        String cluster = "\"worker\":[\"c:2222\",\"w0:2222\",\"w1:2222\"]";
        assertThat(parse(config(cluster, "worker", 0)))
                .contains(new TfConfig(Role.CHIEF, HostAddress.parse("c:2222"), BOTH));
        assertThat(parse(config(cluster, "worker", 2)))
                .contains(new TfConfig(Role.WORKER, HostAddress.parse("w1:2222"), BOTH));
    }

    @Test
    void evaluatorIsNotInTheCluster() throws UsageException {
        assertThat(parse(config("\"chief\":[\"c:1\"],\"worker\":[\"w:1\"]", "evaluator", 0)))
                .contains(new TfConfig(Role.EVALUATOR, null, List.of()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", " ", "{}", "{\"cluster\":{\"chief\":[\"c:1\"]},\"task\":{\"type\":\"chief\",\"index\":0}}"})
    void oneHostTrainsAlone(String json) throws UsageException {
        assertThat(parse(json)).isEmpty();
        assertThat(TfConfig.of(Map.of())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"cluster\": | TF_CONFIG is not a JSON object; it must be like {\"cluster\":",
                "[] | TF_CONFIG is not a JSON object; it must be like {\"cluster\":",
                "{\"cluster\":{\"ps\":[\"p:1\"],\"worker\":[\"w:1\"]}} | TF_CONFIG has parameter servers (ps)",
                "{\"cluster\":{\"chief\":[\"c:1\"],\"master\":[\"m:1\"]}} | TF_CONFIG has 2 chiefs",
                "{\"cluster\":{\"chief\":[\"w:1\"],\"worker\":[\"v:1\",\"w:1\"]}} | TF_CONFIG names w:1 twice; name each host once",
                "{\"cluster\":{\"worker\":[\"w:1\",\"w\"]}} | TF_CONFIG: an address of type worker must be an address and a port",
                "{\"cluster\":{\"worker\":[\"w:1\",7]}} | TF_CONFIG: an address of type worker must be an address and a port",
                "{\"cluster\":{\"worker\":[\"v:1\",\"w:1\"]}} | TF_CONFIG has no address for task type \"\", index \"\"; it must",
                "{\"cluster\":{\"worker\":[\"v:1\",\"w:1\"]},\"task\":{\"type\":\"worker\",\"index\":2}} | TF_CONFIG has no address for"
                        + " task type \"worker\", index \"2\"",
                "{\"cluster\":{\"worker\":[\"v:1\",\"w:1\"]},\"task\":{\"type\":\"worker\",\"index\":-1}} | TF_CONFIG has no address"
            })
    void mistakeIsNamed(String json, String message) {
        assertThatThrownBy(() -> parse(json)).isInstanceOf(UsageException.class).hasMessageStartingWith(message);
    }
}
