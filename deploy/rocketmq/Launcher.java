import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.apache.rocketmq.namesrv.NamesrvStartup;
import org.apache.rocketmq.proxy.ProxyStartup;

/**
 * Name server, broker and gRPC proxy of RocketMQ 5 in one JVM, for development and tests.
 *
 * <p>Arguments: the gRPC port, the data folder. The other ports lie as far from RocketMQ's own
 * numbers as the gRPC port lies from 8081. Prints "ready" when a client may come.
 */
public final class Launcher {
    private static final int GRPC = 8081;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        Path data = Path.of(arguments[1]).toAbsolutePath();
        int shift = port - GRPC;
        int nameServer = 9876 + shift;
        int broker = 10911 + shift;
        int remoting = 8080 + shift;
        Files.createDirectories(data.resolve("conf"));

        step("name server on " + nameServer);
        NamesrvStartup.main0(new String[] {"-c", write(data, "namesrv.conf",
            "listenPort=" + nameServer,
            "bindAddress=127.0.0.1",
            "kvConfigPath=" + data.resolve("kvConfig.json"))});

        // In LOCAL mode the proxy carries the broker, and knows its topics without asking around.
        step("broker on " + broker + ", gRPC proxy on " + port);
        ProxyStartup.main(new String[] {
            "-pm", "local",
            "-n", "127.0.0.1:" + nameServer,
            "-bc", write(data, "broker.conf",
                "brokerClusterName=overture",
                "brokerName=overture",
                "brokerIP1=127.0.0.1",
                "bindAddress=127.0.0.1",
                "listenPort=" + broker,
                "namesrvAddr=127.0.0.1:" + nameServer,
                "storePathRootDir=" + data.resolve("store"),
                "storePathCommitLog=" + data.resolve("store/commitlog"),
                "mappedFileSizeCommitLog=67108864",
                "mappedFileSizeConsumeQueue=600000",
                "timerWheelEnable=true",
                "timerPrecisionMs=100",
                "flushConsumerOffsetInterval=1000",
                // What was taken and not acknowledged outlives a kill only outside the buffer.
                "enablePopBufferMerge=false"),
            "-pc", write(data, "rmq-proxy.json",
                "{\"rocketMQClusterName\": \"overture\",",
                " \"proxyMode\": \"LOCAL\",",
                " \"grpcServerPort\": " + port + ",",
                " \"remotingListenPort\": " + remoting + ",",
                " \"minInvisibleTimeMillsForRecv\": 1000}")});
        awaitPort(port);
        step("ready");
    }

    private static String write(Path data, String name, String... lines) throws Exception {
        return Files.writeString(data.resolve("conf").resolve(name), String.join("\n", lines) + "\n")
            .toString();
    }

    private static void awaitPort(int port) throws Exception {
        Instant end = Instant.now().plus(PATIENCE);
        while (true) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
                return;
            } catch (java.io.IOException closed) {
                if (Instant.now().isAfter(end)) {
                    throw closed;
                }
                Thread.sleep(50);
            }
        }
    }

    private static void step(String what) {
        System.out.println("overture: " + what);
        System.out.flush();
    }
}
