// The runtime's end of the channel: whole frames in, whole frames out, on an inherited socket.
using System;
using System.Buffers.Binary;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Lambent.Runtime
{
    public sealed class Invocation
    {
        public string RequestId, Arn, Trace, ClientContext;
        public long DeadlineMs;
        public byte[] Payload;
    }

    public sealed class Channel
    {
        public const byte Ready = 16, InitError = 17, Response = 18, Error = 19;
        const byte Invoke = 1;
        const int HeaderBytes = 7, LengthBytes = 4, Fields = 5;
        const int SetDescriptorFlags = 2, CloseOnExec = 1;
        readonly int descriptor;

        [DllImport("libc", SetLastError = true)] static extern int fcntl(int descriptor, int command, int value);
        [DllImport("libc", SetLastError = true)] static extern unsafe IntPtr read(int descriptor, byte* into, IntPtr count);
        [DllImport("libc", SetLastError = true)] static extern unsafe IntPtr write(int descriptor, byte* from, IntPtr count);

        public Channel(int descriptor)
        {
            this.descriptor = descriptor;
            fcntl(descriptor, SetDescriptorFlags, CloseOnExec);
        }

        // The next invocation; ends the process when there will be none.
        public Invocation Receive()
        {
            var header = Exactly(HeaderBytes);
            var length = BinaryPrimitives.ReadInt32BigEndian(header);
            var metaBytes = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(5));
            var rest = Exactly(length + LengthBytes - HeaderBytes);
            if (header[LengthBytes] != Invoke || metaBytes > rest.Length) Environment.Exit(1);
            var meta = Encoding.UTF8.GetString(rest, 0, metaBytes).Split(new[] { '\0' }, Fields);
            return new Invocation
            {
                RequestId = meta[0],
                DeadlineMs = long.Parse(meta[1]),
                Arn = meta[2],
                Trace = meta[3],
                ClientContext = meta[4],
                Payload = rest.AsSpan(metaBytes).ToArray(),
            };
        }

        // Send one frame, whole.
        public void Send(byte kind, string meta, ReadOnlySpan<byte> payload)
        {
            var told = Encoding.UTF8.GetBytes(meta);
            var frame = new byte[HeaderBytes + told.Length + payload.Length];
            BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - LengthBytes);
            frame[LengthBytes] = kind;
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(5), (ushort)told.Length);
            told.CopyTo(frame, HeaderBytes);
            payload.CopyTo(frame.AsSpan(HeaderBytes + told.Length));
            Write(descriptor, frame);
        }

        public static unsafe void Write(int descriptor, byte[] bytes)
        {
            fixed (byte* start = bytes)
            {
                for (var at = 0; at < bytes.Length;)
                {
                    var count = (int)write(descriptor, start + at, (IntPtr)(bytes.Length - at));
                    if (count >= 0) at += count;
                    else if (!Interrupted()) return; // nobody reads; the next Receive ends the process
                }
            }
        }

        unsafe byte[] Exactly(int count)
        {
            var bytes = new byte[count];
            fixed (byte* start = bytes)
            {
                for (var at = 0; at < count;)
                {
                    var more = (int)read(descriptor, start + at, (IntPtr)(count - at));
                    if (more > 0) at += more;
                    else if (more == 0 || !Interrupted()) Environment.Exit(0); // the platform has hung up
                }
            }
            return bytes;
        }

        static bool Interrupted()
        {
            return Marshal.GetLastWin32Error() == 4;
        }
    }
}
